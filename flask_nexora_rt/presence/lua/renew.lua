-- Renew a worker's lease; return whether it still held one.
-- ARGV[3]: worker, ARGV[4]: lease ms, ARGV[5]: its figures as JSON.
redis.call('HSET', key('stats'), ARGV[3], ARGV[5])
return occupy_worker(ARGV[3], tonumber(ARGV[4]))
