"""The layouts of users' folders, a module for each family: class folders, lists, and boxes (YOLO, COCO)."""
