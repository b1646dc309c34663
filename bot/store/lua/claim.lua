-- Says whose a place is from now on: the delivery's that asks, if it was nobody's or the one's that it follows.
-- KEYS: places. ARGV: place, delivery id, id of the delivery that it follows.
local owner = redis.call('HGET', KEYS[1], ARGV[1])
if owner and owner ~= ARGV[3] then return owner end -- check: first
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
