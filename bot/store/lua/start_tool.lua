-- Records an attempt at an effect and takes its lease, unless anything has changed since it was looked at.
-- KEYS: run, attempts, wake, request record (the run once more where there is none), summaries, frozen, starts, audit head,
-- audit chain, what waits approved, then the lists of the run's line.
-- ARGV: expected sequence, attempt, lease ms, wake member, record version or '', not after (ms) or '', record body, run id,
-- its line or '', its place and state, its environment or '', the request or '', the starts that the caller has seen in this
-- shard or '', the number of the audit record that it has and that one's seal, then the events, of which the last is the
-- start.
-- The run's turn ends with it: it is looked at again when the lease ends, or a minute later. With a lease of 0 ms the
-- attempt is over with its start, and nobody holds it.
local run, attempts, wake, record, summaries, frozen, starts_key, sealed_key, chain, waits = unpack(KEYS, 1, 10)
local expected, attempt, lease, member, known_version, not_after, body, id, line, at, run_state, where = unpack(ARGV, 1, 12)
local request, seen, sealed_n, seal = ARGV[13], ARGV[14], tonumber(ARGV[15]), ARGV[16]
local now, starts, sealed = now_ms(starts_key, sealed_key)
local head = redis.call('XLEN', run)
-- A store that was put back lacks a start that was seen, or a record. `memory.py` compares in the same way.
local TOKEN, MOST = 9, 32
local mark, count, newest = string.match(starts or '', '^(%S+) (%d+) (.*)$')
local function lacks_a_start()
  local seen_mark, seen_count, token = string.match(seen, '^(%S+) (%d+) (.*)$')
  if not seen_mark then return false end
  if mark ~= seen_mark then return true end
  local more = tonumber(count) - tonumber(seen_count)
  if more < 0 then return true end
  local there = string.sub(newest, more * TOKEN + 1, more * TOKEN + TOKEN - 1)
  return there ~= '' and there ~= token
end
if lacks_a_start() then return {'back', head} end -- check: starts
if tonumber(string.match(sealed or '', ':(%d+):') or 0) < sealed_n then return {'back', head} end -- check: sealed
-- What a store that was put back seals anew has the numbers of what it lacks. A record in the archive is taken for the same.
local function is_another_record()
  if sealed_n == 0 then return false end
  local entry = redis.call('XRANGE', chain, '0-' .. ARGV[15], '0-' .. ARGV[15])[1]
  return entry ~= nil and entry[2][4] ~= seal
end
if is_another_record() then return {'back', head} end -- check: seal
local function counted()
  if not mark then return '' end
  return table.concat({mark, count, string.sub(newest, 1, TOKEN - 1)}, ' ')
end
local mine, holder, until_ms = unpack(redis.call('HMGET', attempts, attempt, 'holder', 'until'))
-- Own repeat: the answer to an earlier try was lost. It is too late for it once the lease is over, or another's.
if mine then
  if mine == 'finished' and lease == '0' then return {'started', whole(now), counted()} end
  if holder == attempt and now < tonumber(until_ms) then return {'started', until_ms, counted()} end
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
for position = 17, #ARGV do
  redis.call('XADD', run, '0-' .. whole(head + position - 16), 'e', ARGV[position], 'c', attempt)
end
note_audit(id, head + 1, #ARGV - 16)
if mark then
  count = whole(tonumber(count) + 1)
  newest = string.sub('--------' .. attempt, -TOKEN + 1) .. ' ' .. string.sub(newest, 1, (MOST - 1) * TOKEN)
  redis.call('SET', starts_key, table.concat({mark, count, newest}, ' '))
end
if lease == '0' then
  redis.call('HSET', attempts, attempt, 'finished')
else
  redis.call('HSET', attempts, attempt, 'started', 'holder', attempt, 'until', ends)
end
-- What a program begins outside keeps its lease for weeks: the run is looked at sooner, so that people hear of the start.
redis.call('ZADD', wake, whole(now + math.min(tonumber(lease), 60000)), member)
if known_version ~= '' then
  redis.call('HSET', record, 'version', whole(tonumber(known_version) + 1), 'body', body)
  redis.call('SREM', waits, request) -- check: waits_no_longer
end
if line ~= '' then list_run(summaries, 11, id, at, line, run_state) end
tell_changed(id)
return {'started', ends, counted()}
