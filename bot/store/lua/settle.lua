-- Ends a turn: only if nothing was appended since it was folded. KEYS: run, wake, summaries, attempts, and the
-- lists of the run's line. ARGV: sequence, wake member, due ms or '', run id, then of a run with a line its body and place.
if redis.call('XLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end -- check: head
if ARGV[5] and list_run(KEYS[3], 5, ARGV[4], ARGV[6], ARGV[5]) then tell_changed(KEYS[1]) end
local ends = redis.call('HGET', KEYS[4], 'until')
local due = ends or ARGV[3]
if due == '' then redis.call('ZREM', KEYS[2], ARGV[2]) else redis.call('ZADD', KEYS[2], due, ARGV[2]) end
return 1
