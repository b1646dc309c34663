-- Changes a note in the dead letters, or takes it out, if it still is what it was. KEYS: dead.
-- ARGV: id, note as it was, note as it is to be; nothing takes it out.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end -- check: same
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
