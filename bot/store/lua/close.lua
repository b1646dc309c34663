-- Closes a store that went back: nothing but a restoration begins where no number of shards stands. KEYS: mark, shards.
-- ARGV: the mark that was read, what stands behind the number from now on.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end -- check: mark
local shards = redis.call('GET', KEYS[2]) or ''
if not string.match(shards, '^%d+$') then return 0 end -- check: closed
redis.call('SET', KEYS[2], shards .. ARGV[2])
return 1
