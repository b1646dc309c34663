-- Counts what a run has used of a day, once however often it is told. KEYS: counts.
-- ARGV: run, its sequence, for how many ms to keep it, then pairs: what, how much of it the run has used in all.
local told = {}
for part in string.gmatch(redis.call('HGET', KEYS[1], 'run ' .. ARGV[1]) or '', '%S+') do
  told[#told + 1] = tonumber(part)
end
if told[1] and told[1] > tonumber(ARGV[2]) then return 0 end -- check: newest
local tells = { ARGV[2] }
for at = 4, #ARGV, 2 do
  local more = tonumber(ARGV[at + 1]) - (told[#tells + 1] or 0)
  redis.call('HINCRBY', KEYS[1], ARGV[at], whole(more))
  tells[#tells + 1] = ARGV[at + 1]
end
redis.call('HSET', KEYS[1], 'run ' .. ARGV[1], table.concat(tells, ' '))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
