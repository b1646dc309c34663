-- Records an attempt at an effect and takes its lease, unless anything has changed since it was looked at.
-- KEYS: run, attempts, wake, clock, request record or '', summaries, then the lists of the run's line.
-- ARGV: expected sequence, attempt, event, lease ms, wake member, record version or '', not after (ms) or '', record
-- body, run id, its line and its place. The run's turn ends with it: it is looked at again when the lease ends.
local run, attempts, wake, clock, record = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = now_ms(clock)
local head = redis.call('XLEN', run)
-- Own repeat: the answer to an earlier try was lost. It is too late for it once the lease is over, or another's.
if redis.call('HGET', attempts, ARGV[2]) then
  local owner, until_ms = unpack(redis.call('HMGET', attempts, 'holder', 'until'))
  if owner == ARGV[2] and now < tonumber(until_ms) then return {'started', until_ms} end
  return {'conflict', head}
end
if head ~= tonumber(ARGV[1]) then return {'conflict', head} end -- check: sequence
local holder = redis.call('HGET', attempts, 'holder')
if holder then return {'conflict', head} end -- check: lease
if ARGV[6] ~= '' then
  local version, state = unpack(redis.call('HMGET', record, 'version', 'state'))
  if version ~= ARGV[6] then return {'conflict', head} end -- check: version
  if state ~= 'approved' then return {'conflict', head} end -- check: approved
  if now >= tonumber(ARGV[7]) then return {'late', whole(now)} end -- check: execute_within
end
local ends = whole(now + tonumber(ARGV[4]))
redis.call('XADD', run, '0-' .. whole(head + 1), 'e', ARGV[3], 'c', ARGV[2])
redis.call('HSET', attempts, ARGV[2], 'started', 'holder', ARGV[2], 'until', ends)
redis.call('ZADD', wake, ends, ARGV[5])
if ARGV[6] ~= '' then redis.call('HSET', record, 'version', whole(tonumber(ARGV[6]) + 1), 'body', ARGV[8]) end
if ARGV[10] then list_run(KEYS[6], 7, ARGV[9], ARGV[11], ARGV[10]) end
tell_changed(run)
return {'started', ends}
