-- The starts of tools in a shard: the store's name, how many there were, and the ends of the newest ones' ids. `memory.py`
-- compares in the same way.
local TOKEN, MOST = 9, 32

local function parts_of(starts) return string.match(starts or '', '^(%S+) (%d+) (.*)$') end

-- Whether a start that was seen is missing, as it is where a store was put back.
local function lacks_start(starts, seen)
  local seen_mark, seen_count, token = parts_of(seen)
  if not seen_mark then return false end
  local mark, count, newest = parts_of(starts)
  if mark ~= seen_mark then return true end
  local more = tonumber(count) - tonumber(seen_count)
  if more < 0 then return true end
  local there = string.sub(newest, more * TOKEN + 1, more * TOKEN + TOKEN - 1)
  return there ~= '' and there ~= token
end

-- The count and the newest one, '' where nobody counts.
local function newest_start(starts)
  local mark, count, newest = parts_of(starts)
  return mark and table.concat({mark, count, string.sub(newest, 1, TOKEN - 1)}, ' ') or ''
end

-- The starts with one more, nil where nobody counts.
local function with_start(starts, attempt)
  local mark, count, newest = parts_of(starts)
  if not mark then return nil end
  newest = string.sub('--------' .. attempt, -TOKEN + 1) .. ' ' .. string.sub(newest, 1, (MOST - 1) * TOKEN)
  return table.concat({mark, whole(tonumber(count) + 1), newest}, ' ')
end
