-- Remove what workers without a lease left behind, and members whose grace is over.
local function forget_worker(worker)
  local rows = key('rows', worker)
  local stored = redis.call('HGETALL', rows)
  for at = 1, #stored, 2 do
    local socket, channel = string.match(stored[at], '^(%S+) (%S+)$')
    if socket then
      unsubscribe(rows, socket, channel, true)
    end
  end
  for at = 1, #stored, 2 do
    if not string.find(stored[at], ' ', 1, true) then
      disconnect(rows, stored[at], cjson.decode(stored[at + 1]).u)
    end
  end
  redis.call('DEL', rows)
  redis.call('HDEL', key('stats'), worker)
  redis.call('ZREM', key('workers'), worker)
end

for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), '-inf', digits(now))) do
  forget_worker(worker)
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
