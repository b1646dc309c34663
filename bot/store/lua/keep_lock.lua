-- Moves the end of a lock's lease, or gives the lock up (0 ms). KEYS: lock. ARGV: who, fence, lease ms.
local holder, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'fence'))
if holder ~= ARGV[1] or fence ~= ARGV[2] then return 0 end -- check: fence
if tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[1], 'until', whole(now_ms() + tonumber(ARGV[3])))
else
  redis.call('HDEL', KEYS[1], 'holder', 'until', 'since')
end
return 1
