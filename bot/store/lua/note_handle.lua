-- Notes that a run waits for a handle; of so many runs the newest stay. KEYS: handle. ARGV: run, at most, keep ms.
redis.call('ZADD', KEYS[1], whole(now_ms()), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
