-- Takes the oldest sealed records of a shard out of Redis that the archive holds, unless somebody else has meanwhile.
-- KEYS: note of what is archived, chain, beside it. ARGV: the note that was read, the new one, the first and the last number.
local before, after, first, last = unpack(ARGV)
local now = redis.call('GET', KEYS[1]) or ''
if now == after and before ~= after then return 1 end -- own repeat: the answer to an earlier try was lost
if now ~= before then return 0 end -- check: begin
first, last = tonumber(first), tonumber(last)
-- First, and then what it says: what stands in both places is read once.
redis.call('SET', KEYS[1], after)
redis.call('XTRIM', KEYS[2], 'MINID', '0-' .. whole(last + 1))
for from = first, last, 1000 do
  local places = {}
  for place = from, math.min(from + 999, last) do places[#places + 1] = whole(place) end
  redis.call('HDEL', KEYS[3], unpack(places))
end
return 1
