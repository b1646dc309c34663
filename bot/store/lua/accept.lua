-- Makes an inbound item durable once. KEYS: seen, item, wake, messages or answers.
-- ARGV: id, body, raw, keep ms, member, grace ms, 1 to have a worker take it now, whose new work it is or ''.
local now, earlier = now_ms(KEYS[1])
if earlier then return {earlier, earlier == ARGV[1] and 1 or 0} end -- check: seen
redis.call('HSET', KEYS[2], 'body', ARGV[2], 'raw', ARGV[3], 'at', whole(now), 'who', ARGV[8])
redis.call('ZADD', KEYS[3], whole(now + tonumber(ARGV[6])), ARGV[5])
-- Once it is there: what was only half written is taken when it comes again.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
if ARGV[7] == '1' then push_new(KEYS[4], now, ARGV[5], ARGV[8]) end
return {ARGV[1], 1, whole(now)}
