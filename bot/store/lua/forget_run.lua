-- Takes a run out of Redis that the archive holds, unless anything about it has changed since it was read.
-- KEYS: run, attempts, wake, outbox, deliveries, dead, summaries, requests, archived, left, what waits
-- approved, then those the plan names.
-- ARGV[1]: the plan. What was given up on goes with the run, if nobody has asked for it to be done again meanwhile.
local run, attempts, wake, outbox, deliveries, dead, summaries, requests, archived, left, waits = unpack(KEYS, 1, 11)
local plan = cjson.decode(ARGV[1])
if redis.call('XLEN', run) ~= plan.seq then return 0 end -- check: length
if redis.call('ZSCORE', wake, 'run ' .. plan.run) then return 0 end -- check: due
if redis.call('HGET', attempts, 'holder') then return 0 end -- check: holder
-- What happened in it is first sealed: later nobody could say any more what it was.
local unsealed = redis.call('XRANGE', audit_new, '-', '+', 'COUNT', '1001')
if #unsealed > 1000 then return 0 end
for _, fact in ipairs(unsealed) do
  if fact[2][2] == plan.run then return 0 end -- check: unsealed
end
for _, request in ipairs(plan.requests) do
  if tonumber(redis.call('HGET', KEYS[request.key], 'version') or 0) ~= request.version then return 0 end -- check: record
end
for _, id in ipairs(plan.dead) do
  if redis.call('HEXISTS', dead, id) == 0 then return 0 end -- check: requeued
end

for _, id in ipairs(plan.dead) do
  redis.call('HDEL', dead, id)
  redis.call('HDEL', outbox, id)
end
for _, request in ipairs(plan.requests) do
  redis.call('ZREM', requests, request.id)
  redis.call('SREM', waits, request.id)
  redis.call('ZREM', wake, 'ask ' .. request.id)
  for _, position in ipairs(plan.seen) do redis.call('ZREM', KEYS[position], request.id) end
end
for _, id in ipairs(plan.deliveries) do redis.call('HDEL', deliveries, id) end
for _, position in ipairs(plan.lists) do redis.call('ZREM', KEYS[position], plan.run) end
for _, position in ipairs(plan.whole) do redis.call('DEL', KEYS[position]) end
local state = redis.call('HGET', summaries, 'state ' .. plan.run)
redis.call('HDEL', summaries, plan.run, 'state ' .. plan.run)
redis.call('DEL', run, attempts)
for _, bit in ipairs(plan.bits) do redis.call('SETBIT', left, bit, 1) end
redis.call('HINCRBY', archived, state or 'runs', 1)
tell_changed(plan.run)
return 1
