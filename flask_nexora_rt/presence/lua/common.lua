-- Shared by every script, put in front of it. KEYS[1]: the stream of ephemeral events.
-- ARGV[1]: what every key starts with, ARGV[2]: ms of grace. One server holds all keys.
local LIVE, PREFIX, GRACE_MS = KEYS[1], ARGV[1], tonumber(ARGV[2])
local SEEN_MS = 30 * 24 * 3600 * 1000

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local outcomes = {}

local function digits(number)
  return string.format('%.0f', number)
end

local function key(kind, name)
  return PREFIX .. kind .. (name and (':' .. name) or '')
end

local function outcome(kind, channel, user)
  outcomes[#outcomes + 1] = {kind, channel, user or ''}
end

local function occupy_worker(worker, lease_ms)
  local held = redis.call('ZSCORE', key('workers'), worker)
  redis.call('ZADD', key('workers'), digits(now + lease_ms), worker)
  return held and 1 or 0
end

-- Versions of a channel rise by one; a channel without a version starts above all earlier ones.
local function next_version(channel)
  local version = redis.call('HINCRBY', key('versions'), channel, 1)
  if version == 1 then
    version = now * 1000
    redis.call('HSET', key('versions'), channel, digits(version))
  end
  return version
end

local function tell(kind, channel, user, member)
  local data = cjson.encode({
    channel = channel, kind = kind, user = user,
    version = digits(next_version(channel)), member = member,
  })
  redis.call('XADD', LIVE, 'MAXLEN', '~', 10000, '*', 'n', '#member', 'c', '', 'd', data)
end

-- `user:<user>` holds `<status> <worker>` by stream: the worker is the one that told it last.
local function overall(user)
  local states = redis.call('HVALS', key('user', user))
  for _, state in ipairs(states) do
    if string.match(state, '^%S+') == 'online' then
      return 'online'
    end
  end
  return #states > 0 and 'away' or 'offline'
end

local function seen(user)
  redis.call('ZADD', key('seen'), digits(now), user)
end

-- Tell on each of the user's channels when its status is no longer `before`.
local function refresh_status(user, before)
  local after = overall(user)
  seen(user)
  if after == before or after == 'offline' then
    return
  end
  for _, channel in ipairs(redis.call('HKEYS', key('held', user))) do
    local known = redis.call('HGET', key('members', channel), user)
    if known then
      local member = cjson.decode(known)
      member.status, member.seen = after, digits(now)
      redis.call('HSET', key('members', channel), user, cjson.encode(member))
      tell('updated', channel, user, member)
    end
  end
end

local function connect(worker, socket, user)
  if redis.call('HSETNX', key('rows', worker), socket, cjson.encode({u = user})) == 0 then
    return
  end
  local before, told = overall(user), redis.call('HGET', key('user', user), socket)
  local status = told and string.match(told, '^%S+') or 'online'
  redis.call('HSET', key('user', user), socket, status .. ' ' .. worker)
  if not told then
    refresh_status(user, before)
  end
end

-- A stream that its worker has told again under a new name stays: it is that name's now.
local function disconnect(worker, socket, user)
  redis.call('HDEL', key('rows', worker), socket)
  local told = redis.call('HGET', key('user', user), socket)
  if told and string.match(told, '%S+$') == worker then
    local before = overall(user)
    redis.call('HDEL', key('user', user), socket)
    refresh_status(user, before)
  end
end

local function remove_member(channel, user)
  if redis.call('HDEL', key('members', channel), user) == 1 then
    tell('removed', channel, user)
    outcome('member_removed', channel, user)
    if redis.call('EXISTS', key('members', channel)) == 0 then
      redis.call('ZADD', key('empty'), digits(now), channel)
    end
  end
end

local function enter(channel, user, info)
  redis.call('HINCRBY', key('held', user), channel, 1)
  redis.call('ZREM', key('grace'), channel .. ' ' .. user)
  local status = overall(user) == 'away' and 'away' or 'online'
  local known = redis.call('HGET', key('members', channel), user)
  local member = known and cjson.decode(known) or {info = info}
  if member.status == status then
    return
  end
  member.status, member.seen = status, digits(now)
  redis.call('HSET', key('members', channel), user, cjson.encode(member))
  -- Who comes back within its grace may come back with another status.
  tell(known and 'updated' or 'added', channel, user, member)
  if not known then
    outcome('member_added', channel, user)
  end
end

local function exit(channel, user, grace_ms)
  if redis.call('HINCRBY', key('held', user), channel, -1) > 0 then
    return
  end
  redis.call('HDEL', key('held', user), channel)
  if grace_ms == 0 then
    remove_member(channel, user)
  else
    redis.call('ZADD', key('grace'), digits(now + grace_ms), channel .. ' ' .. user)
  end
end

local function subscribe(worker, socket, channel, user, info)
  local row = cjson.encode({u = user, p = info ~= nil})
  if redis.call('HSETNX', key('rows', worker), socket .. ' ' .. channel, row) == 0 then
    return
  end
  if redis.call('HINCRBY', key('subs'), channel, 1) == 1 then
    outcome('channel_occupied', channel)
  end
  if info then
    enter(channel, user, info)
  end
end

local function unsubscribe(worker, socket, channel, grace_ms)
  local rows, field = key('rows', worker), socket .. ' ' .. channel
  local stored = redis.call('HGET', rows, field)
  if not stored then
    return
  end
  redis.call('HDEL', rows, field)
  if redis.call('HINCRBY', key('subs'), channel, -1) <= 0 then
    redis.call('HDEL', key('subs'), channel)
    outcome('channel_vacated', channel)
  end
  local row = cjson.decode(stored)
  if row.p then
    exit(channel, row.u, grace_ms)
  end
end
