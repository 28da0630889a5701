-- Set one stream's status; return 1, or 0 when there is no such stream.
-- ARGV[3]: socket, ARGV[4]: user, ARGV[5]: online or away.
local socket, user, status = ARGV[3], ARGV[4], ARGV[5]
local told = redis.call('HGET', key('user', user), socket)
if not told then
  return 0
end
local before = overall(user)
redis.call('HSET', key('user', user), socket, status .. ' ' .. string.match(told, '%S+$'))
refresh_status(user, before)
return 1
