-- Counts one use of a standing approval, once for a request. KEYS: it. ARGV: request, body of the use.
-- Returns the number of the use, 0 where it can't be used any more.
local uses, ends, n, is_revoked = unpack(redis.call('HMGET', KEYS[1], 'uses', 'until', 'n', 'revoked'))
if not uses then return 0 end
if is_revoked then return 0 end -- check: revoked
if now_ms() >= tonumber(ends) then return 0 end -- check: over
if redis.call('HEXISTS', KEYS[1], 'use ' .. ARGV[1]) == 1 then return tonumber(n) end
if tonumber(n) >= tonumber(uses) then return 0 end -- check: spent
redis.call('HSET', KEYS[1], 'use ' .. ARGV[1], ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'n', 1)
