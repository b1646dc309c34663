-- Takes something out of the dead letters and has it looked at again. KEYS: dead, wake. ARGV: id, member.
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], whole(now_ms()), ARGV[2])
return 1
