-- Return {floor, last, reset, entries}: up to ARGV[2] entries after ARGV[1]; none below the floor.
ensure_log()
local answer = bounds()
local entries = {}
if not less(ARGV[1], answer[1]) then
  entries = redis.call('XRANGE', LOG, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
end
answer[4] = entries
return answer
