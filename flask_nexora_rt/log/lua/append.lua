-- Append events in order, once per publish id, then trim by count and age.
-- KEYS[3], KEYS[4]: publish ids of the current and the previous period.
-- ARGV: retained entries, retained ms, dedupe ms, dedupe count, then for each event its
-- publish id, the number n of its field texts, and those n texts.
local MAX_ENTRIES, MAX_AGE = tonumber(ARGV[1]), tonumber(ARGV[2])
local DEDUPE_MS, DEDUPE_COUNT = tonumber(ARGV[3]), tonumber(ARGV[4])
local SEEN, SEEN_BEFORE = KEYS[3], KEYS[4]
local now = now_ms()
local newest, added = nil, false

local function rotate_seen()
  local since = tonumber(redis.call('HGET', BOUNDS, 'seen_since') or 0)
  if now - since < DEDUPE_MS and redis.call('HLEN', SEEN) < DEDUPE_COUNT then
    return
  end
  redis.call('UNLINK', SEEN_BEFORE)
  if redis.call('EXISTS', SEEN) == 1 then
    redis.call('RENAME', SEEN, SEEN_BEFORE)
    redis.call('PEXPIRE', SEEN_BEFORE, DEDUPE_MS)
  end
  redis.call('HSET', BOUNDS, 'seen_since', digits(now))
end

local function append(publish_id, first, last)
  local known = redis.call('HGET', SEEN, publish_id) or redis.call('HGET', SEEN_BEFORE, publish_id)
  if known then
    return known
  end
  -- Each entry names the one before it: so a tail sees that something was trimmed unread.
  local id = redis.call('XADD', LOG, '*', 'v', newest, unpack(ARGV, first, last))
  redis.call('HSET', SEEN, publish_id, id)
  newest, added = id, true
  return id
end

-- The newest id that has to go: the later one of what count and what age demand.
local function newest_to_trim()
  local cut
  local excess = redis.call('XLEN', LOG) - MAX_ENTRIES
  if excess > 0 then
    local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', excess)
    cut = oldest[#oldest][1]
  end
  local expired = redis.call('XREVRANGE', LOG, digits(now - MAX_AGE - 1), '-', 'COUNT', 1)[1]
  if expired and (not cut or less(cut, expired[1])) then
    cut = expired[1]
  end
  return cut
end

ensure_log()
rotate_seen()
newest = newest_id()
local ids, at = {}, 5
while at < #ARGV do
  local last = at + 1 + tonumber(ARGV[at + 1])
  ids[#ids + 1] = append(ARGV[at], at + 2, last)
  at = last + 1
end
redis.call('PEXPIRE', SEEN, DEDUPE_MS * 2)
-- Without a new entry the last one could be old: it has to stay, it carries the newest id.
local cut = added and newest_to_trim()
if cut then
  redis.call('XTRIM', LOG, 'MINID', next_id(cut))
  if less(redis.call('HGET', BOUNDS, 'floor'), cut) then
    redis.call('HSET', BOUNDS, 'floor', cut)
  end
end
return ids
