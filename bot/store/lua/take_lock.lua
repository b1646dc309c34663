-- Takes a lock, or says who has it. KEYS: lock, clock. ARGV: who, lease ms, a holder whose lease is over and who is known
-- to be gone, or ''. The fence goes up with each new holder and stays when the lock is free.
local now = now_ms(KEYS[2])
local holder, ends, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence'))
if holder and holder ~= ARGV[1] then
  if now < tonumber(ends) then return {'held', holder, fence} end -- check: held
  if holder ~= ARGV[3] then return {'left', holder, fence} end -- check: left
end
if holder ~= ARGV[1] then fence = redis.call('HINCRBY', KEYS[1], 'fence', 1) end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', whole(now + tonumber(ARGV[2])))
return {'taken', ARGV[1], tostring(fence)}
