-- Whether an attempt's owner is alive. KEYS: attempts, clock. ARGV: attempt.
local holder, ends = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until'))
if holder ~= ARGV[1] then return {'gone', '0'} end
if now_ms(KEYS[2]) < tonumber(ends) then return {'alive', ends} end
return {'dead', ends}
