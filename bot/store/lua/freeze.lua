-- Replaces what is frozen in a shard. KEYS: frozen. ARGV: its number, the number it follows or '' for any earlier one,
-- then names and bodies.
local known = tonumber(redis.call('HGET', KEYS[1], 'n') or 0)
if known >= tonumber(ARGV[1]) then return 0 end -- check: newer
if ARGV[2] ~= '' and known ~= tonumber(ARGV[2]) then return 0 end -- check: follows
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'n', ARGV[1])
for position = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[position], ARGV[position + 1]) end
return 1
