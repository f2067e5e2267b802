${name}_pixel frame[${NAME}_CAMERA_SIZE];  // fill it from the camera
