mod rubygems;
