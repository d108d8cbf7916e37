today-title = What waits today
