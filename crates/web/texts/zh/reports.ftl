today-title = 今日待办
