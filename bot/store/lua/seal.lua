-- Appends sealed records to the chain of a shard, and drops the facts that they are of, unless somebody else has sealed
-- or forgotten somebody meanwhile. KEYS: head, chain, beside it, pseudonyms. ARGV: the head that was read, the new one, the
-- numbers of facts, of records and of new pseudonyms, and of those that were read; then the ids of the facts; place, body,
-- seal and what is kept of each record; pseudonym and row of each person.
local before, after, facts, records, people, known = unpack(ARGV, 1, 6)
local now = redis.call('GET', KEYS[1]) or ''
if now == after and before ~= after then return 1 end -- own repeat: the answer to an earlier try was lost
if now ~= before then return 0 end -- check: head
-- What can fail fails before anything is written: what is kept is asked whether it is what it should be, and the first
-- record is the first write. The facts go last.
redis.call('HLEN', KEYS[3]) -- check: kept
if redis.call('HLEN', KEYS[4]) ~= tonumber(known) then return 0 end -- check: people
local at = 7 + tonumber(facts)
-- The last fact is the newest: a store that was put back after they were read lacks it.
if not redis.call('XRANGE', audit_new, ARGV[at - 1], ARGV[at - 1])[1] then return 0 end -- check: facts
for _ = 1, tonumber(records) do
  redis.call('XADD', KEYS[2], '0-' .. ARGV[at], 'b', ARGV[at + 1], 's', ARGV[at + 2])
  if ARGV[at + 3] ~= '' then redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 3]) end
  at = at + 4
end
for _ = 1, tonumber(people) do
  redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[1], after)
redis.call('XDEL', audit_new, unpack(ARGV, 7, 6 + tonumber(facts)))
return 1
