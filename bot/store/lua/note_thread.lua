-- Notes that a run is the newest of a thread; of so many that were it before, the last ones stay.
-- KEYS: thread, those before. ARGV: run, at most, keep s.
local last = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
if last and last ~= ARGV[1] then
  redis.call('LREM', KEYS[2], 0, ARGV[1])
  redis.call('LREM', KEYS[2], 0, last)
  redis.call('LPUSH', KEYS[2], last)
  redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return 1
