-- Remove what workers left behind, and members whose grace is over.
-- ARGV[3]: '1' when patient: then only what workers gave back themselves.
local patient = ARGV[3] == '1'

local function forget_worker(worker, grace_ms)
  local rows = key('rows', worker)
  local stored = redis.call('HGETALL', rows)
  for at = 1, #stored, 2 do
    local socket, channel = string.match(stored[at], '^(%S+) (%S+)$')
    if socket then
      unsubscribe(worker, socket, channel, grace_ms)
    end
  end
  for at = 1, #stored, 2 do
    if not string.find(stored[at], ' ', 1, true) then
      disconnect(worker, stored[at], cjson.decode(stored[at + 1]).u)
    end
  end
  redis.call('DEL', rows)
  redis.call('HDEL', key('stats'), worker)
  redis.call('ZREM', key('workers'), worker)
end

local up_to = patient and '0' or digits(now)
local leases = redis.call('ZRANGEBYSCORE', key('workers'), '-inf', up_to, 'WITHSCORES')
for at = 1, #leases, 2 do
  -- A lease that ran out was time enough to come back. One given back (0) was not: clients were
  -- told to wait, and the worker they come back to may have to start first.
  forget_worker(leases[at], tonumber(leases[at + 1]) > 0 and 0 or 2 * GRACE_MS)
end
if patient then
  return outcomes
end
for _, due in ipairs(redis.call('ZRANGEBYSCORE', key('grace'), '-inf', digits(now))) do
  redis.call('ZREM', key('grace'), due)
  local channel, user = string.match(due, '^(%S+) (.*)$')
  if redis.call('HEXISTS', key('held', user), channel) == 0 then
    remove_member(channel, user)
  end
end
-- Not at once: a version that started anew within the same millisecond could be a lower one.
local long_ago = digits(now - 60000)
for _, channel in ipairs(redis.call('ZRANGEBYSCORE', key('empty'), '-inf', long_ago)) do
  redis.call('ZREM', key('empty'), channel)
  if redis.call('EXISTS', key('members', channel)) == 0 then
    redis.call('HDEL', key('versions'), channel)
  end
end
redis.call('ZREMRANGEBYSCORE', key('seen'), '-inf', digits(now - SEEN_MS))
return outcomes
