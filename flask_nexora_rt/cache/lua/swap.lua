-- KEYS: entry, cleared. ARGV: sha1 of the entry as it was seen ('' none), clearing as it was
-- seen ('' none), new entry, seconds to keep it ('0' for ever).
-- Returns 1 when it was written, 0 when something was written, deleted or cleared meanwhile.
local found = redis.call('GET', KEYS[1])
local seen = found and redis.sha1hex(found) or ''
if seen ~= ARGV[1] or (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then
  return 0
end
if ARGV[4] == '0' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
end
return 1
