/* Load generator for server-sent events: one thread, one epoll set.
 *
 *   sseload stream  --port P --path /x [--conns N] [--rate R] [--inflight I] [--header "Name: value"]...
 *   sseload connect --port P --path /x [--conns C] [--seconds S] [--until TEXT] [--header ...]...
 *   sseload blast   [--conns N]
 *
 * stream   holds N connections, says {"state":"ready"} when every one has body bytes, and then obeys stdin:
 *            start BASE COUNT   every connection shall see "seq":BASE .. BASE+COUNT-1, rising by one
 *            stats              print the figures so far           (done: printed by itself when all have all)
 *            quit
 * connect  opens, waits for the whole reply (Content-Length) or for a block that holds TEXT, closes, repeats.
 * blast    is the counter-proof: a server that fans prebuilt frames out as fast as it can.
 *            go BASE COUNT JOIN joined in pieces of JOIN frames per send
 *
 * Everything is printed as one JSON object per line. Times are microseconds unless the name says otherwise.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, CARRY_LIMIT = 64 * 1024, WAIT_EVENTS = 1024, HIST_SUB = 128, HIST_SIZE = 64 * HIST_SUB };
enum state { IDLE, CONNECTING, HEAD, BODY, CLOSED };

/* ---- options ------------------------------------------------------------------------------------------------ */

static struct {
    const char *host, *path, *until;
    int port, conns, rate, inflight;
    double seconds;
    unsigned limit_seconds;
    char headers[8192];
} opt = {.host = "127.0.0.1", .path = "/", .until = "", .conns = 1, .rate = 2000, .inflight = 200, .seconds = 5, .limit_seconds = 600};

static void die(const char *what) {
    fprintf(stderr, "sseload: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void add_header(const char *line) {
    size_t used = strlen(opt.headers);
    snprintf(opt.headers + used, sizeof opt.headers - used, "%s\r\n", line);
}

static void parse_option(const char *name, const char *value) {
    if (!strcmp(name, "--host")) opt.host = value;
    else if (!strcmp(name, "--path")) opt.path = value;
    else if (!strcmp(name, "--until")) opt.until = value;
    else if (!strcmp(name, "--port")) opt.port = atoi(value);
    else if (!strcmp(name, "--conns")) opt.conns = atoi(value);
    else if (!strcmp(name, "--rate")) opt.rate = atoi(value);
    else if (!strcmp(name, "--inflight")) opt.inflight = atoi(value);
    else if (!strcmp(name, "--seconds")) opt.seconds = atof(value);
    else if (!strcmp(name, "--limit")) opt.limit_seconds = (unsigned)atoi(value);
    else if (!strcmp(name, "--header")) add_header(value);
    else { fprintf(stderr, "sseload: unknown option %s\n", name); exit(2); }
}

/* ---- clocks, output, histogram ------------------------------------------------------------------------------- */

static int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    return ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static void say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* Log-linear: 128 steps per power of two, so a percentile is at most 0.8 % too high. */
static uint64_t hist[HIST_SIZE], hist_count;
static int64_t hist_min, hist_max;

static void hist_reset(void) {
    memset(hist, 0, sizeof hist);
    hist_count = 0;
    hist_min = INT64_MAX;
    hist_max = 0;
}

static void hist_add(int64_t ns) {
    if (ns < 0) ns = 0;
    if (ns < hist_min) hist_min = ns;
    if (ns > hist_max) hist_max = ns;
    int index = (int)ns;
    if (ns >= HIST_SUB) {
        int shift = 63 - __builtin_clzll((uint64_t)ns) - 7;
        index = (shift + 1) * HIST_SUB + (int)((ns >> shift) - HIST_SUB);
    }
    hist[index]++;
    hist_count++;
}

static double hist_percentile_us(double share) {
    uint64_t want = (uint64_t)(share * (double)hist_count), seen = 0;
    if (want < 1) want = 1;
    for (int i = 0; i < HIST_SIZE && hist_count; i++) {
        seen += hist[i];
        if (seen < want) continue;
        if (i < HIST_SUB) return i / 1e3;
        int shift = i / HIST_SUB - 1;
        int64_t top = ((int64_t)(i % HIST_SUB + HIST_SUB + 1) << shift) - 1;
        return (top < hist_max ? top : hist_max) / 1e3;
    }
    return 0;
}

static void say_latency_tail(void) {
    say("\"min\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", hist_count ? hist_min / 1e3 : 0.0,
        hist_percentile_us(0.50), hist_percentile_us(0.90), hist_percentile_us(0.99), hist_max / 1e3);
}

/* ---- connections --------------------------------------------------------------------------------------------- */

struct conn {
    int fd, status;
    enum state state;
    int chunked, in_head_of_chunk, ended;
    int64_t chunk_left, body_left, next_seq, opened_ns;
    char *carry; /* bytes of a line (or head) not finished yet */
    size_t carry_len, carry_cap;
};

static struct conn *conns;
static int epfd;
static char *request;
static size_t request_len;
static struct sockaddr_in server;
static char *read_buffer; /* CARRY_LIMIT for what was left over, then READ_BYTES of new bytes */

static uint64_t failures, first_bad_status;

static void build_request(void) {
    if (asprintf(&request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\n%s\r\n", opt.path, opt.host,
                 opt.port, opt.headers) < 0) die("asprintf");
    request_len = strlen(request);
}

static void watch(struct conn *c, uint32_t events, int op) {
    struct epoll_event ev = {.events = events, .data.ptr = c};
    if (epoll_ctl(epfd, op, c->fd, &ev)) die("epoll_ctl");
}

static void conn_open(struct conn *c) {
    char *carry = c->carry;
    size_t cap = c->carry_cap;
    int64_t next = c->next_seq;
    *c = (struct conn){.state = CONNECTING, .carry = carry, .carry_cap = cap, .next_seq = next, .body_left = -1};
    c->opened_ns = now_ns();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) die("connect");
    watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void conn_close(struct conn *c) {
    if (c->state == CLOSED) return;
    close(c->fd);
    c->state = CLOSED;
}

static void conn_fail(struct conn *c) {
    failures++;
    if (!first_bad_status && c->status && c->status != 200) first_bad_status = (uint64_t)c->status;
    conn_close(c);
}

static int conn_send_request(struct conn *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) return -1;
    c->state = HEAD;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    return 0;
}

static void keep(struct conn *c, const char *bytes, size_t len) {
    if (len > CARRY_LIMIT) { fprintf(stderr, "sseload: a line is longer than %d bytes\n", CARRY_LIMIT); exit(2); }
    if (len > c->carry_cap) {
        c->carry_cap = len < 512 ? 512 : len * 2;
        c->carry = realloc(c->carry, c->carry_cap);
        if (!c->carry) die("realloc");
    }
    if (len) memcpy(c->carry, bytes, len);
    c->carry_len = len;
}

/* Takes the chunk frames out, in place; they may cut an event anywhere, themselves included. */
static size_t dechunk(struct conn *c, char *bytes, size_t len) {
    size_t in = 0, out = 0;
    while (in < len && !c->ended) {
        if (c->in_head_of_chunk) { /* 1: before or in the size, 2: after the size (extension, CR, LF) */
            char ch = bytes[in++];
            int digit = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1;
            if (c->in_head_of_chunk == 1 && digit >= 0) { c->chunk_left = (c->chunk_left < 0 ? 0 : c->chunk_left) * 16 + digit; continue; }
            if (c->chunk_left < 0) continue; /* the CR LF that closes the chunk before */
            c->in_head_of_chunk = 2;
            if (ch != '\n') continue;
            c->in_head_of_chunk = 0;
            if (!c->chunk_left) c->ended = 1;
            continue;
        }
        size_t piece = len - in < (size_t)c->chunk_left ? len - in : (size_t)c->chunk_left;
        if (out != in) memmove(bytes + out, bytes + in, piece);
        in += piece;
        out += piece;
        c->chunk_left -= (int64_t)piece;
        if (!c->chunk_left) { c->in_head_of_chunk = 1; c->chunk_left = -1; }
    }
    return out;
}

/* Reads the head of the reply. Returns the length of head + blank line, 0 when incomplete, -1 when refused. */
static ssize_t parse_head(struct conn *c, char *bytes, size_t len) {
    char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (!end) return 0;
    end[2] = 0;
    c->status = len > 12 ? atoi(bytes + 9) : 0;
    if (c->status != 200) return -1;
    c->chunked = strcasestr(bytes, "transfer-encoding: chunked") != NULL;
    c->in_head_of_chunk = c->chunked;
    c->chunk_left = -1;
    char *length = strcasestr(bytes, "content-length:");
    c->body_left = length ? atoll(length + 15) : -1;
    c->state = BODY;
    return end + 4 - bytes;
}

/* One recv, head stripped, chunk frames removed. Returns body bytes behind *body, -1 at the end of the stream.
 * What the last call left over (c->carry) stands before the new bytes. */
static ssize_t conn_read(struct conn *c, char **body) {
    char *fresh = read_buffer + CARRY_LIMIT, *start = fresh - c->carry_len;
    ssize_t got = recv(c->fd, fresh, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) { *body = fresh; return 0; }
    if (got <= 0) return -1;
    size_t len = (size_t)got;
    if (c->carry_len) memcpy(start, c->carry, c->carry_len);
    if (c->state == HEAD) {
        ssize_t head = parse_head(c, start, c->carry_len + len);
        if (head < 0) return -1;
        if (!head) { keep(c, start, c->carry_len + len); *body = fresh; return 0; }
        len = (size_t)(fresh + len - (start + head));
        start = fresh = start + head;
        c->carry_len = 0;
    }
    if (c->chunked) len = dechunk(c, fresh, len);
    *body = start;
    ssize_t total = (ssize_t)(fresh + len - start);
    c->carry_len = 0;
    return total;
}

/* ---- stream mode --------------------------------------------------------------------------------------------- */

static int opened, ready, complete, closed_early;
static int64_t base_seq, end_seq, started_ns, last_ns;
static uint64_t delivered, holes, repeats, stale, other, bytes_in, reads;
static double started_cpu;

static void start_run(int64_t base, int64_t count) {
    base_seq = base;
    end_seq = base + count;
    complete = 0;
    delivered = holes = repeats = stale = other = bytes_in = reads = 0;
    hist_reset();
    for (int i = 0; i < opt.conns; i++) conns[i].next_seq = base;
    started_ns = last_ns = now_ns();
    started_cpu = cpu_seconds();
}

static void say_stats(const char *state) {
    printf("{\"state\":\"%s\",\"connections\":%d,\"ready\":%d,\"complete\":%d,\"delivered\":%lu,\"holes\":%lu,\"repeats\":%lu,"
           "\"stale\":%lu,\"other\":%lu,\"failures\":%lu,\"closed\":%d,\"bytes\":%lu,\"reads\":%lu,\"started_ns\":%ld,\"last_ns\":%ld,"
           "\"wall_s\":%.6f,\"cpu_s\":%.6f,",
           state, opened, ready, complete, delivered, holes, repeats, stale, other, failures, closed_early, bytes_in, reads,
           started_ns, last_ns, (now_ns() - started_ns) / 1e9, cpu_seconds() - started_cpu);
    say_latency_tail();
}

static void on_event(struct conn *c, int64_t seq, int64_t sent_ns, int64_t now) {
    if (seq < base_seq) { stale++; return; }
    if (seq < c->next_seq) { repeats++; return; }
    holes += (uint64_t)(seq - c->next_seq);
    c->next_seq = seq + 1;
    delivered++;
    last_ns = now;
    if (sent_ns) hist_add(now - sent_ns);
    if (seq + 1 >= end_seq && ++complete == opt.conns) say_stats("done");
}

/* Number behind "name": in a data line, or -1. The place where it was last time is tried first. */
static int64_t field(const char *line, size_t len, const char *name, size_t name_len, size_t *hint) {
    const char *at = NULL;
    if (*hint + name_len < len && !memcmp(line + *hint, name, name_len)) at = line + *hint;
    else at = memmem(line, len, name, name_len);
    if (!at) return -1;
    *hint = (size_t)(at - line);
    const char *p = at + name_len, *end = line + len;
    while (p < end && *p == ' ') p++;
    int64_t value = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) value = value * 10 + (*p - '0');
    return value;
}

static void on_line(struct conn *c, const char *line, size_t len, int64_t now) {
    static size_t seq_hint, time_hint;
    if (len < 6 || memcmp(line, "data:", 5)) return;
    int64_t seq = field(line, len, "\"seq\":", 6, &seq_hint);
    if (seq < 0) { other++; return; }
    int64_t sent = field(line, len, "\"t\":", 4, &time_hint);
    on_event(c, seq, sent > 0 ? sent : 0, now);
}

static void on_body(struct conn *c, char *body, size_t len, int64_t now) {
    char *p = body, *end = body + len, *nl;
    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
        on_line(c, p, (size_t)(nl - p), now);
        p = nl + 1;
    }
    keep(c, p, (size_t)(end - p));
}

static void stream_lost(struct conn *c) {
    if (c->state == BODY) closed_early++;
    conn_fail(c);
}

static void stream_readable(struct conn *c) {
    char *body;
    int was_new = c->state == HEAD || c->body_left == -1;
    ssize_t len = conn_read(c, &body);
    if (len < 0 || c->ended) { stream_lost(c); return; }
    if (!len) return;
    reads++;
    bytes_in += (uint64_t)len;
    if (was_new) { /* body_left doubles as "has had body bytes": a stream has no Content-Length */
        c->body_left = 0;
        ready++;
    }
    on_body(c, body, (size_t)len, now_ns());
    if (was_new && ready == opt.conns) say_stats("ready");
}

static int waiting_for_reply(void) { return opened - ready; }

static void open_some(int64_t since) {
    int64_t due = (now_ns() - since) * opt.rate / 1000000000LL;
    while (opened < opt.conns && opened < due && (!opt.inflight || waiting_for_reply() < opt.inflight)) conn_open(&conns[opened++]);
}

static int command(char *line) {
    long long base, count;
    if (sscanf(line, "start %lld %lld", &base, &count) == 2) {
        start_run(base, count);
        say("{\"state\":\"started\",\"started_ns\":%ld}", started_ns);
    } else if (!strncmp(line, "stats", 5)) say_stats("stats");
    else if (!strncmp(line, "quit", 4)) return -1;
    return 0;
}

static int read_commands(int (*obey)(char *)) {
    static char text[4096];
    static size_t used;
    ssize_t got = read(0, text + used, sizeof text - 1 - used);
    if (got <= 0) return -1;
    used += (size_t)got;
    text[used] = 0;
    char *nl;
    while ((nl = strchr(text, '\n'))) {
        *nl = 0;
        if (obey(text)) return -1;
        used -= (size_t)(nl + 1 - text);
        memmove(text, nl + 1, used + 1);
    }
    return 0;
}

static void watch_stdin(void) {
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, 0, &ev)) die("epoll_ctl stdin");
}

static void stream_event(struct conn *c) {
    if (c->state == CONNECTING) { if (conn_send_request(c)) stream_lost(c); }
    else if (c->state != CLOSED) stream_readable(c);
}

static int run_stream(void) {
    struct epoll_event events[WAIT_EVENTS];
    int64_t since = now_ns();
    watch_stdin();
    start_run(0, INT64_MAX / 2);
    for (;;) {
        if (opened < opt.conns) open_some(since);
        int n = epoll_wait(epfd, events, WAIT_EVENTS, opened < opt.conns ? 1 : -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) stream_event(events[i].data.ptr);
            else if (read_commands(command)) return 0;
        }
    }
}

/* ---- connect mode -------------------------------------------------------------------------------------------- */

static uint64_t finished;

static void next_connection(struct conn *c, int64_t deadline) {
    conn_close(c);
    if (now_ns() < deadline) conn_open(c);
}

static int reply_is_whole(struct conn *c, const char *body, size_t len) {
    if (c->body_left >= 0) return (int64_t)len >= c->body_left;
    if (!*opt.until) return memmem(body, len, "\n\n", 2) != NULL;
    const char *at = memmem(body, len, opt.until, strlen(opt.until));
    return at && memmem(at, len - (size_t)(at - body), "\n\n", 2);
}

static void connect_readable(struct conn *c, int64_t deadline) {
    char *body;
    ssize_t len = conn_read(c, &body);
    if (len < 0) { conn_fail(c); next_connection(c, deadline); return; }
    if (c->state != BODY) return;
    if (reply_is_whole(c, body, (size_t)len)) {
        hist_add(now_ns() - c->opened_ns);
        finished++;
        next_connection(c, deadline);
    } else keep(c, body, (size_t)len);
}

static void connect_event(struct conn *c, int64_t deadline) {
    if (c->state != CONNECTING) { connect_readable(c, deadline); return; }
    if (conn_send_request(c)) { conn_fail(c); next_connection(c, deadline); }
}

static int run_connect(void) {
    struct epoll_event events[WAIT_EVENTS];
    int64_t since = now_ns(), deadline = since + (int64_t)(opt.seconds * 1e9);
    hist_reset();
    for (int i = 0; i < opt.conns; i++) conn_open(&conns[i]);
    while (now_ns() < deadline) {
        int n = epoll_wait(epfd, events, WAIT_EVENTS, 10);
        for (int i = 0; i < n; i++) connect_event(events[i].data.ptr, deadline);
    }
    double wall = (now_ns() - since) / 1e9;
    printf("{\"state\":\"done\",\"finished\":%lu,\"failures\":%lu,\"bad_status\":%lu,\"wall_s\":%.6f,\"cpu_s\":%.6f,", finished,
           failures, first_bad_status, wall, cpu_seconds());
    say_latency_tail();
    return 0;
}

/* ---- blast mode ---------------------------------------------------------------------------------------------- */

static struct { int fd; size_t at; int64_t frame; } *clients;
static int client_count;
static char *frames;
static size_t *frame_at; /* where frame i begins; [count] is the end */
static int64_t frame_count;

static void build_frames(int64_t base, int64_t count) {
    char pad[104];
    memset(pad, 'x', sizeof pad - 1);
    pad[sizeof pad - 1] = 0;
    free(frames);
    free(frame_at);
    frames = malloc((size_t)count * 320 + 1);
    frame_at = malloc(((size_t)count + 1) * sizeof *frame_at);
    if (!frames || !frame_at) die("malloc");
    size_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        frame_at[i] = used;
        used += (size_t)sprintf(frames + used,
            "id: 1763683200123-%ld\nevent: tick\ndata: {\"channel\":\"public-1\",\"data\":{\"seq\":%ld,\"t\":%ld,\"pad\":\"%s\"}}\n\n",
            (long)i, (long)(base + i), (long)now_ns(), pad);
    }
    frame_at[count] = used;
    frame_count = count;
}

/* Sends one piece of up to `join` frames. 1: something went, 0: the socket is full, -1: everything is out. */
static int send_piece(int i, int64_t join) {
    if (clients[i].frame >= frame_count) return -1;
    int64_t last = clients[i].frame + join < frame_count ? clients[i].frame + join : frame_count;
    ssize_t sent = send(clients[i].fd, frames + clients[i].at, frame_at[last] - clients[i].at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return 0;
    clients[i].at += (size_t)sent;
    if (clients[i].at == frame_at[last]) clients[i].frame = last;
    return 1;
}

static int blast(char *line) {
    long long base, count, join;
    if (sscanf(line, "go %lld %lld %lld", &base, &count, &join) != 3) return -1;
    build_frames(base, count);
    for (int i = 0; i < client_count; i++) { clients[i].at = 0; clients[i].frame = 0; }
    int64_t since = now_ns();
    double cpu = cpu_seconds();
    for (int left = client_count, moved = 0; left; moved = 0) {
        left = 0;
        for (int i = 0; i < client_count; i++) {
            int result = send_piece(i, join);
            left += result >= 0;
            moved += result > 0;
        }
        if (left && !moved) usleep(200); /* every socket is full: the generator is the slower one */
    }
    say("{\"state\":\"sent\",\"started_ns\":%ld,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"frame_bytes\":%zu}", since, (now_ns() - since) / 1e9,
        cpu_seconds() - cpu, frame_at[1]);
    return 0;
}

static int listen_anywhere(void) {
    socklen_t size = sizeof server;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server.sin_port = 0;
    if (fd < 0 || bind(fd, (struct sockaddr *)&server, sizeof server) || listen(fd, 2048)) die("listen");
    getsockname(fd, (struct sockaddr *)&server, &size);
    say("{\"state\":\"listening\",\"port\":%d}", ntohs(server.sin_port));
    return fd;
}

/* The generator sends its request in one piece, so one recv is the whole of it. */
static void accept_client(int listener) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n";
    char text[8192];
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
    if (fd < 0 || recv(fd, text, sizeof text, 0) <= 0) die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) < 0) die("send");
    clients[client_count++].fd = fd;
}

static int run_blast(void) {
    int listener = listen_anywhere();
    clients = calloc((size_t)opt.conns, sizeof *clients);
    while (client_count < opt.conns) accept_client(listener);
    for (;;) if (read_commands(blast)) return 0;
}

/* ---- main ---------------------------------------------------------------------------------------------------- */

static void prepare(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    alarm(opt.limit_seconds);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)opt.port);
    if (inet_pton(AF_INET, opt.host, &server.sin_addr) != 1) die("--host wants an IPv4 address");
    build_request();
    conns = calloc((size_t)opt.conns, sizeof *conns);
    read_buffer = malloc(CARRY_LIMIT + READ_BYTES);
    epfd = epoll_create1(EPOLL_CLOEXEC);
    if (!conns || !read_buffer || epfd < 0) die("prepare");
}

int main(int argc, char **argv) {
    if (argc < 2 || argc % 2) { fprintf(stderr, "usage: sseload stream|connect|blast --name value ...\n"); return 2; }
    for (int i = 2; i < argc; i += 2) parse_option(argv[i], argv[i + 1]);
    prepare();
    if (!strcmp(argv[1], "stream")) return run_stream();
    if (!strcmp(argv[1], "connect")) return run_connect();
    if (!strcmp(argv[1], "blast")) return run_blast();
    fprintf(stderr, "sseload: unknown mode %s\n", argv[1]);
    return 2;
}
