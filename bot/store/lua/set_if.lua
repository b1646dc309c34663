-- Sets a field of a hash, or takes it out, if one of what may be there is there. KEYS: hash. ARGV: field, value or '' to
-- take it out, then what may be there, '' for nothing. Returns what is there then, '' for nothing.
local there = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local is_same = false
for position = 3, #ARGV do is_same = is_same or there == ARGV[position] end
if not is_same then return {0, there} end -- check: same
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return {1, ARGV[2]}
