-- Notes that whoever makes an effect outside is told to begin it: nobody takes that start back then.
-- KEYS: attempts. ARGV: attempt.
local state, holder = unpack(redis.call('HMGET', KEYS[1], ARGV[1], 'holder'))
if state == 'finished' then return 1 end
if holder ~= ARGV[1] then return 0 end -- check: holder
redis.call('HSET', KEYS[1], ARGV[1], 'told')
return 1
