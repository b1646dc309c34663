-- Moves the end of a lease, of an attempt or of a lock; or gives it up (0 ms): an attempt's is over then, a lock is free.
-- KEYS: the hash that it is in, and of an attempt wake. ARGV: holder, its fence or '', lease ms, and wake's member.
local holder, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'fence'))
if holder ~= ARGV[1] then return 0 end -- check: holder
if ARGV[2] ~= '' and fence ~= ARGV[2] then return 0 end -- check: fence
if ARGV[2] ~= '' and ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], 'holder', 'until', 'since')
  return 1
end
local ends = whole(now_ms() + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'until', ends)
if ARGV[4] then redis.call('ZADD', KEYS[2], ends, ARGV[4]) end
return 1
