-- The one clock of all scripts: Redis time in milliseconds, plus an offset that only tests may set.
local function now_ms(offset_key)
  local time = redis.call('TIME')
  local offset = redis.call('GET', offset_key)
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(offset or 0)
end

local function whole(number)
  return string.format('%.0f', number)
end
