-- Appends events to one run, together with everything that follows from them, or nothing.
-- KEYS: run, wake, outbox, deliveries, summaries, requests, ready, then those the plan names by position;
-- the lists of a run's line are the last ones.
-- ARGV[1]: the plan, without what is none; the bodies it names by position follow. Bodies are opaque here.
local run, wake, outbox, deliveries, summaries, requests, ready = unpack(KEYS, 1, 7)
local plan = cjson.decode(ARGV[1])
local function each(name) return ipairs(plan[name] or {}) end
local function bodies(positions) -- in one JSON array
  if not positions then return end
  local found = {}
  for n, position in ipairs(positions) do found[n] = ARGV[position] end
  return '[' .. table.concat(found, ',') .. ']'
end
local takes, ends = plan.takes, plan.ends
local now, starts, sealed
if takes then now, starts, sealed = now_ms(KEYS[takes.starts], KEYS[takes.sealed]) end
local function the_time()
  now = now or now_ms()
  return now
end
local head = (plan.expect or plan.events) and redis.call('XLEN', run) or 0
local function has_been() -- what this change ends has ended before
  if plan.inbound then return redis.call('EXISTS', KEYS[plan.inbound]) == 0 end
  return plan.sent and redis.call('HEXISTS', outbox, plan.sent) == 0
end
local function refused(why, when) return {has_been() and 'gone' or why, when or head} end

-- An attempt begins, unless the store lacks what its worker has seen in it. What a store that was put back seals anew has
-- the numbers of what it lacks; a record in the archive is taken for the same.
local state, holder, over
if takes then
  if lacks_start(starts, takes.seen) then return {'back', head} end -- check: starts
  if tonumber(string.match(sealed or '', ':(%d+):') or 0) < takes.n then return {'back', head} end -- check: sealed
  local place = '0-' .. whole(takes.n)
  local record = takes.n > 0 and redis.call('XRANGE', KEYS[takes.chain], place, place)[1]
  if record and record[2][4] ~= takes.seal then return {'back', head} end -- check: seal
  state, holder, over = unpack(redis.call('HMGET', KEYS[takes.key], takes.attempt, 'holder', 'until'))
  -- Own repeat: the answer to an earlier try was lost. It is too late for it once the lease is over, or another's.
  if state == 'finished' and takes.lease == 0 then return {'started', head, newest_start(starts)} end
  if state and holder == takes.attempt and now < tonumber(over) then return {'started', head, newest_start(starts)} end
  if state then return {'conflict', head} end
end
-- An attempt ends: with what it gave, wherever the run is now; or with nothing, by its owner, or once its lease is over.
if ends then
  state, holder, over = unpack(redis.call('HMGET', KEYS[ends.key], ends.attempt, 'holder', 'until'))
  if ends.becomes == 'finished' then
    if not state then return {'gone', head} end -- check: attempt
    if state == 'finished' then return {'committed', head} end -- check: finished
  else
    if holder ~= ends.attempt then return {'gone', head} end -- check: holder
    if ends.own and state == 'told' then return {'gone', head} end -- check: told
    if not ends.own and the_time() < tonumber(over) then return {'alive', over} end -- check: alive
  end
end
-- Own repeat: the answer to an earlier try was lost.
if plan.expect and head > plan.expect and not takes then
  local first = redis.call('XRANGE', run, '0-' .. whole(plan.expect + 1), '0-' .. whole(plan.expect + 1))[1]
  if first and first[2][4] == plan.commit then return {'committed', head} end
end
if plan.once then
  local earlier = redis.call('HGET', KEYS[plan.once.key], plan.once.field)
  if earlier then return {'repeat', earlier} end -- check: repeat
end
if plan.there and head == 0 then return refused('gone') end -- check: archived
if plan.expect and head ~= plan.expect then return refused('conflict') end -- check: sequence
if takes and holder then return {'conflict', head} end -- check: lease
if plan.frozen and (redis.call('HGET', KEYS[plan.frozen.key], 'n') or '0') ~= plan.frozen.n then
  return refused('conflict') -- check: freeze
end
for _, record in each('records') do
  -- A record is written with the event that opens it: where the run is as it was, a new one is new.
  local is_new = record.version == 0 and plan.expect and not plan.anew
  local version, is
  if not is_new then version, is = unpack(redis.call('HMGET', KEYS[record.key], 'version', 'state')) end
  if tonumber(version or 0) ~= record.version then return refused('conflict') end -- check: version
  if takes and is ~= 'approved' then return refused('conflict') end -- check: approved
  if record.before then
    if the_time() >= record.before then return refused('late', the_time()) end -- check: expiry
  end
end
if takes and takes.frozen and (redis.call('HGET', KEYS[takes.frozen], 'n') or '0') ~= takes.number then
  return {'frozen', head} -- check: frozen
end
local events = plan.events or {}
if #events > 0 and head + #events > plan.limit then return refused('full') end -- check: limit
if plan.inbound and redis.call('EXISTS', KEYS[plan.inbound]) == 0 then return {'gone', head} end -- check: gone
if plan.sent and redis.call('HEXISTS', outbox, plan.sent) == 0 then return {'gone', head} end -- check: sent

for offset, position in ipairs(events) do
  redis.call('XADD', run, '0-' .. whole(head + offset), 'e', ARGV[position], 'c', plan.commit)
end
-- The events are the first write: where the server refuses them, nothing is lost of what they are about.
if plan.inbound then redis.call('DEL', KEYS[plan.inbound]) end
if plan.sent then redis.call('HDEL', outbox, plan.sent) end
if takes then
  starts = with_start(starts, takes.attempt)
  if starts then redis.call('SET', KEYS[takes.starts], starts) end
  -- With a lease of 0 ms the attempt is over with its start, and nobody holds it.
  local held = {'started', 'holder', takes.attempt, 'until', whole(now + takes.lease)}
  redis.call('HSET', KEYS[takes.key], takes.attempt, unpack(takes.lease == 0 and {'finished'} or held))
end
if ends then
  redis.call('HSET', KEYS[ends.key], ends.attempt, ends.becomes)
  if holder == ends.attempt then redis.call('HDEL', KEYS[ends.key], 'holder', 'until') end
end
if plan.audited then note_audit(plan.run, head + 1, #events, bodies(plan.audited.cards)) end
for _, record in each('records') do
  redis.call('HSET', KEYS[record.key], 'version', whole(record.version + 1), 'state', record.state, 'body', ARGV[record.body])
end
if plan.waits then redis.call('SADD', KEYS[plan.waits.key], plan.waits.id) end
if plan.once then redis.call('HSET', KEYS[plan.once.key], plan.once.field, ARGV[plan.once.body]) end
for _, counted in each('counted') do
  for _, pair in ipairs(counted.by) do redis.call('HINCRBY', KEYS[counted.key], pair[1], whole(pair[2])) end
end
local wishes = {}
local function put_wishes()
  if #wishes > 0 then redis.call('ZADD', wake, unpack(wishes)) end
  wishes = {}
end
local function put_down(at, member)
  wishes[#wishes + 1] = whole(at)
  wishes[#wishes + 1] = member
  if #wishes >= 1000 then put_wishes() end -- Lua unpacks only so many
end
for _, entry in each('outgoing') do
  redis.call('HSET', outbox, entry.id, ARGV[entry.body])
  put_down(the_time() + plan.grace, 'out ' .. entry.id)
  if plan.push then push_ready(ready, the_time(), 'out ' .. entry.id) end
end
for _, entry in each('deliveries') do redis.call('HSET', deliveries, entry.id, ARGV[entry.body]) end
for _, file in each('files') do
  redis.call('SET', KEYS[file.key], ARGV[file.body], 'PX', whole(plan.files_ms))
end
if plan.asleep then redis.call('ZREM', wake, unpack(plan.asleep)) end
for _, entry in each('wake') do
  put_down(entry.at or (the_time() + plan.grace), entry.member)
  if plan.push and not entry.at then push_new(ready, the_time(), entry.member, entry.who) end
end
-- What a program begins outside keeps its lease for weeks: the run is looked at sooner, so that people hear of the start.
if takes then put_down(now + math.min(takes.lease, 60000), 'run ' .. plan.run) end
put_wishes()
if plan.rest then
  local due = plan.rest.attempts and redis.call('HGET', KEYS[plan.rest.attempts], 'until') or plan.rest.due
  if due then redis.call('ZADD', wake, whole(tonumber(due)), plan.rest.member) else redis.call('ZREM', wake, plan.rest.member) end
end
-- Lists come last: without them what was written still goes on, and a rebuild makes them anew.
for _, record in each('records') do
  if record.version == 0 or plan.anew then redis.call('ZADD', requests, whole(record.at), record.id) end
  if record.waits then redis.call(record.waits.by, KEYS[record.waits.key], record.id) end -- check: waits
  if record.place then
    redis.call('ZADD', KEYS[record.place], whole(record.at), record.id)
    redis.call('ZREMRANGEBYRANK', KEYS[record.place], 0, -whole(record.most) - 1)
  end
  for _, position in ipairs(record.seen or {}) do redis.call('ZADD', KEYS[position], whole(record.at), record.id) end
  for _, position in ipairs(record.left or {}) do redis.call('ZREM', KEYS[position], record.id) end
  for _, position in ipairs(record.open or {}) do
    if record.state == 'open' then
      redis.call('ZADD', KEYS[position], whole(record.at), record.id)
    else
      redis.call('ZREM', KEYS[position], record.id)
    end
  end
end
local line, is_another = plan.summary, false
if line then
  local at, is_first = whole(line.at), plan.expect == 0 and plan.events ~= nil -- a turn may end before a run begins
  is_another = list_run(summaries, line.first, plan.run, at, ARGV[line.body], line.state, plan.anew, is_first)
end
if plan.concerned then
  local at = plan.summary and whole(plan.summary.at) or redis.call('ZSCORE', KEYS[plan.concerned.runs], plan.run)
  for _, position in ipairs(at and plan.concerned.seen or {}) do redis.call('ZADD', KEYS[position], at, plan.run) end
end
if is_another or plan.events then tell_changed(plan.run) end
if takes then return {'started', head + #events, newest_start(starts)} end
return {'committed', head + #events}
