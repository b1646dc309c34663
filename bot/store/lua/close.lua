-- Closes a store that went back: nothing but a restoration begins where no number of shards stands. KEYS: mark, shards.
-- ARGV: the mark that was read, what stands in place of the number from now on, as JSON that still lacks it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end -- check: mark
local shards = redis.call('GET', KEYS[2]) or ''
if not string.match(shards, '^%d+$') then return 0 end -- check: closed
local closed = cjson.decode(ARGV[2])
closed.shards = tonumber(shards)
redis.call('SET', KEYS[2], cjson.encode(closed))
return 1
