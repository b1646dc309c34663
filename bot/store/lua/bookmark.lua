-- Moves a mailbox's bookmark, never back, and remembers one mail. KEYS: mark, mails.
-- ARGV: validity, uid, since, mail's key or nothing, how many are remembered.
local validity, uid = unpack(redis.call('HMGET', KEYS[1], 'validity', 'uid'))
local to = ARGV[2]
if validity == ARGV[1] and tonumber(uid) > tonumber(to) then to = uid end -- check: back
redis.call('HSET', KEYS[1], 'validity', ARGV[1], 'uid', to, 'since', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[2], whole(now_ms()), ARGV[4])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[5]))
end
return 1
