-- Return {floor, last, reset}. ARGV[1]: the newest id that the caller has seen, or ''.
-- An id above the floor that is gone was lost with the end of the log by a fail-over.
local seen = ARGV[1]
ensure_log()
if seen ~= '' then
  local floor = redis.call('HGET', BOUNDS, 'floor')
  if less(floor, seen) and #redis.call('XRANGE', LOG, seen, seen) == 0 then
    reset(seen)
  end
end
return bounds()
