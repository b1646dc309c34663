-- Moves the next tick of a trigger on, once. KEYS: ticks. ARGV: trigger, what was read ('' for nothing), what follows.
local held = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if held ~= ARGV[2] then return 0 end -- check: read
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
