-- Return {version, members as a flat list} of the channel ARGV[3].
local version = redis.call('HGET', key('versions'), ARGV[3])
return {version or digits(now * 1000), redis.call('HGETALL', key('members', ARGV[3]))}
