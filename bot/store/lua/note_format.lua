-- Returns the number of the store's format; a store that nobody has used gets ours, and a name. KEYS: format, mark, and those
-- of which a used store has one at least. ARGV: our number, a random name. Returns '' where a used store has none.
local known = redis.call('GET', KEYS[1])
if known then return known end -- check: known
for at = 3, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 1 then return '' end -- check: used
end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
