-- Takes a lock, or says who is before. KEYS: lock, queue. ARGV: who, lease ms, a holder whose lease is over and who
-- is known to be gone, or '', ms after which who no longer asks no longer waits. The fence goes up with each new holder and
-- stays when the lock is free. A free lock goes to whoever has waited longest.
local now = now_ms()
local holder, ends, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence'))

local function since_of(waiter) return tonumber(string.match(redis.call('HGET', KEYS[2], waiter) or whole(now), '^%d+')) end
local mine = since_of(ARGV[1])
local function waits(state, who)
  redis.call('HSET', KEYS[2], ARGV[1], whole(mine) .. ' ' .. whole(now))
  redis.call('PEXPIRE', KEYS[2], 10 * tonumber(ARGV[4]))
  return {state, who, fence or '0'}
end

if holder and holder ~= ARGV[1] then
  if now < tonumber(ends) then return waits('held', holder) end -- check: held
  if holder ~= ARGV[3] then return waits('left', holder) end -- check: left
end
if holder ~= ARGV[1] then
  local first, since = ARGV[1], mine
  for _, waiter in ipairs(redis.call('HKEYS', KEYS[2])) do
    local began, seen = string.match(redis.call('HGET', KEYS[2], waiter), '^(%d+) (%d+)$')
    began, seen = tonumber(began), tonumber(seen)
    if now - seen > tonumber(ARGV[4]) then
      redis.call('HDEL', KEYS[2], waiter)
    elseif began < since or (began == since and waiter < first) then
      first, since = waiter, began
    end
  end
  if first ~= ARGV[1] then return waits('queued', first) end -- check: queued
  fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
  redis.call('HSET', KEYS[1], 'since', whole(now))
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', whole(now + tonumber(ARGV[2])))
return {'taken', ARGV[1], tostring(fence)}
