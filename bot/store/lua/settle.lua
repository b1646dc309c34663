-- Ends a turn: only if nothing was appended since it was folded, and for an approved run that waits for the end of a
-- freeze, only if that is still the one it has seen. KEYS: run, wake, summaries, attempts, then the lists of the
-- run's line, or frozen and what waits. ARGV: sequence, wake member, due ms or '', run id, what follows: 'line', its body,
-- place and state; or 'freeze', its number and the request that waits; or ''.
if redis.call('XLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end -- check: head
local waits = ARGV[5] == 'freeze'
if waits and (redis.call('HGET', KEYS[5], 'n') or '0') ~= ARGV[6] then return 0 end -- check: freeze
if waits then redis.call('SADD', KEYS[6], ARGV[7]) end
if ARGV[5] == 'line' and list_run(KEYS[3], 5, ARGV[4], ARGV[7], ARGV[6], ARGV[8]) then tell_changed(ARGV[4]) end
local ends = redis.call('HGET', KEYS[4], 'until')
local due = ends or ARGV[3]
if due == '' then redis.call('ZREM', KEYS[2], ARGV[2]) else redis.call('ZADD', KEYS[2], due, ARGV[2]) end
return 1
