-- Spends a log-in link for a session, once; the same session again is the same spending. KEYS: link, session.
-- ARGV: the session's body, for how many ms.
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
