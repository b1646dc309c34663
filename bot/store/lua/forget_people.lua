-- Deletes whom pseudonyms stand for, unless a record has come meanwhile whose texts may be of them. KEYS: head, pseudonyms.
-- ARGV: the head that was read, the pseudonyms.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end -- check: head
redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
return 1
