-- Ends an attempt: with what it gave, wherever the run is now; or with nothing, by taking the lease from a dead owner, or back
-- from the one that asks. KEYS: run, attempts, wake, then the files that it gave, or the record of the request that it has
-- not begun, and what waits approved.
-- ARGV: attempt, event, wake member, grace ms, run id, then 'finished', for how many ms files are kept, and their bytes; or
-- 'orphaned', 1 from its owner, the number of events that the caller has read or '', the record's version or '' and its new
-- body, the request where it waits again or ''.
local run, attempts, wake, record, waits = unpack(KEYS, 1, 5)
local attempt, event, member, grace, id, becomes = unpack(ARGV, 1, 6)
local is_finished = becomes == 'finished'
local is_own, read, version, body, request = ARGV[7] == '1', unpack(ARGV, 8, 11)
local state, holder, ends = unpack(redis.call('HMGET', attempts, attempt, 'holder', 'until'))
local head = redis.call('XLEN', run)
if is_finished then
  if not state then return {'gone', 0} end -- check: attempt
  if state == 'finished' then return {'committed', head} end -- check: finished
else
  if holder ~= attempt then return {'conflict', 0} end -- check: holder
  if is_own and state == 'told' then return {'conflict', 0} end -- check: told
  if not is_own and now_ms() < tonumber(ends) then return {'alive', ends} end -- check: alive
  if read ~= '' and head ~= tonumber(read) then return {'changed', 0} end -- check: sequence
  if version ~= '' and redis.call('HGET', record, 'version') ~= version then return {'changed', 0} end -- check: version
end
head = head + 1
redis.call('XADD', run, '0-' .. whole(head), 'e', event, 'c', attempt)
note_audit(id, head, 1)
redis.call('HSET', attempts, attempt, becomes)
if holder == attempt then redis.call('HDEL', attempts, 'holder', 'until') end
redis.call('ZADD', wake, whole(now_ms() + tonumber(grace)), member)
if is_finished then
  for position = 8, #ARGV do redis.call('SET', KEYS[position - 4], ARGV[position], 'PX', ARGV[7]) end
else
  if version ~= '' then redis.call('HSET', record, 'version', whole(tonumber(version) + 1), 'body', body) end
  if request ~= '' then redis.call('SADD', waits, request) end -- check: waits
end
tell_changed(id)
return {'committed', head}
