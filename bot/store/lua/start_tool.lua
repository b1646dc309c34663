-- Records an attempt at an effect and takes its lease, unless anything has changed since it was looked at.
-- KEYS: run, attempts, wake, clock, request record (the run once more where there is none), summaries, frozen, then the lists of the run's line.
-- ARGV: expected sequence, attempt, lease ms, wake member, record version or '', not after (ms) or '', record body,
-- run id, its line or '', its place, its environment or '', then the events, of which the last is the start.
-- The run's turn ends with it: it is looked at again when the lease ends.
local run, attempts, wake, clock, record, summaries, frozen = unpack(KEYS, 1, 7)
local expected, attempt, lease, member, known_version, not_after, body, id, line, at, where = unpack(ARGV, 1, 11)
local now = now_ms(clock)
local head = redis.call('XLEN', run)
local mine, holder, until_ms = unpack(redis.call('HMGET', attempts, attempt, 'holder', 'until'))
-- Own repeat: the answer to an earlier try was lost. It is too late for it once the lease is over, or another's.
if mine then
  if holder == attempt and now < tonumber(until_ms) then return {'started', until_ms} end
  return {'conflict', head}
end
if head ~= tonumber(expected) then return {'conflict', head} end -- check: sequence
if holder then return {'conflict', head} end -- check: lease
if known_version ~= '' then
  local version, state = unpack(redis.call('HMGET', record, 'version', 'state'))
  if version ~= known_version then return {'conflict', head} end -- check: version
  if state ~= 'approved' then return {'conflict', head} end -- check: approved
  if now >= tonumber(not_after) then return {'late', whole(now)} end -- check: execute_within
  if redis.call('HEXISTS', frozen, '*') == 1 then return {'frozen', head} end -- check: all_frozen
  if redis.call('HEXISTS', frozen, 'in ' .. where) == 1 then return {'frozen', head} end -- check: frozen
end
local ends = whole(now + tonumber(lease))
for position = 12, #ARGV do
  redis.call('XADD', run, '0-' .. whole(head + position - 11), 'e', ARGV[position], 'c', attempt)
end
note_audit(run, head + 1, #ARGV - 11)
redis.call('HSET', attempts, attempt, 'started', 'holder', attempt, 'until', ends)
redis.call('ZADD', wake, ends, member)
if known_version ~= '' then
  redis.call('HSET', record, 'version', whole(tonumber(known_version) + 1), 'body', body)
  redis.call('SREM', frozen .. ':waits', string.match(record, ':request:(.*)$')) -- check: waits_no_longer
end
if line ~= '' then list_run(summaries, 8, id, at, line) end
tell_changed(run)
return {'started', ends}
