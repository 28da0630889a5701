-- KEYS: lock. ARGV: token. Only the holder releases; a lock that has run out may be another's.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
