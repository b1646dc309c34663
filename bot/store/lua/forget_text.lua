-- Deletes what may be forgotten of one record, unless it is not there any more as it was read. KEYS: beside the chain.
-- ARGV: number, what was read, what stays of it.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end -- check: archived
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
