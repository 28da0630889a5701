-- Return {version, members as a flat list} of the channel ARGV[3]; version 0: nothing was told.
local version = redis.call('HGET', key('versions'), ARGV[3])
return {version or '0', redis.call('HGETALL', key('members', ARGV[3]))}
