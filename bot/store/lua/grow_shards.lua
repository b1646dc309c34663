-- Notes the number of shards, which only grows, and the one that the store began with, which stays; returns what stands
-- there then. KEYS: shards, first. ARGV: our number.
-- While no number stands there, the store is being put back or held, or it went back: that stays.
local stored = redis.call('GET', KEYS[1])
if stored and not string.match(stored, '^%d+$') then return {stored, ''} end -- check: closed
redis.call('SET', KEYS[2], stored or ARGV[1], 'NX')
local first = redis.call('GET', KEYS[2])
if stored and tonumber(stored) >= tonumber(ARGV[1]) then return {stored, first} end
redis.call('SET', KEYS[1], ARGV[1])
return {ARGV[1], first}
