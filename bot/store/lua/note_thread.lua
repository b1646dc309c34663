-- Notes another run as the newest of a thread, and behind it the one that was: of several at once each is known.
-- KEYS: newest, those before. ARGV: run, for how many s, at most so many before.
local newest = redis.call('GET', KEYS[1])
if newest and newest ~= ARGV[1] then
  redis.call('LPUSH', KEYS[2], newest)
  redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[3]) - 1)
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
